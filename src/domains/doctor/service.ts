import type { Domain } from "../../contract/domain.ts";
import { bind } from "../../contract/operation.ts";
import { Examine } from "./contract.ts";
import type { Doctor } from "./port.ts";

export const createDoctor = ({ doctor }: { readonly doctor: Doctor }): Domain => ({
  name: "doctor",
  operations: [
    bind(Examine, async () => {
      const findings = await doctor.examine();
      return { ok: findings.every((each) => each.level !== "fault"), findings: [...findings] };
    }),
  ],
  events: [],
  views: [],
});
