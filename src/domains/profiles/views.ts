import { on, view } from "../../contract/view.ts";
import { ProfileVersion, ProfileWritten } from "./contract.ts";

/** As many as all projects of a hub together may sensibly have. */
const profilesMax = 5_000;
const row = on<ProfileVersion>();

export const profileVersions = view(ProfileVersion)({
  name: "profileVersions",
  version: 1,
  about: "How often each agent of a project was saved, and what it was last.",
  rowsMax: profilesMax,
  folds: [
    row(
      ProfileWritten,
      (e) => e.data.agent,
      (_row, { data, timeMs, caller }) => ({
        agent: data.agent,
        project: data.project,
        name: data.name,
        version: data.version,
        digest: data.digest,
        savedAtMs: timeMs,
        savedBy: caller,
      }),
    ),
  ],
});
