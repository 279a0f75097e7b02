/** Whether a request can name what a call reaches: its names, held against the schema of the operation's input. */
import type { Operation } from "../../contract/operation.ts";
import { checkerOf, type TSchema } from "../../contract/schema.ts";
import type { Witness } from "./contract.ts";
import { samplesOf, type ThingType } from "./reach.ts";

type Fields = Readonly<Record<string, string>>;

/** Fields that name the thing, in each way that they could. */
const namings: Readonly<Record<ThingType, (id: string) => readonly Fields[]>> = {
  Folder: (id) => [{ folder: id }],
  Host: (id) => [{ url: `https://${id}/` }, { url: `http://${id}/` }],
  Model: (id) => [{ model: id }],
  Project: (id) => [{ project: id }],
  Tool: (id) => {
    const cut = id.indexOf("/");
    return [{ server: id.slice(0, cut), tool: id.slice(cut + 1) }];
  },
  Issuer: () => [{}],
  Hub: () => [{}],
};

/** What no input can say is no call, whatever the rules would say of it. */
export function fits(
  { operation: id, reached, path }: Pick<Witness, "operation" | "reached" | "path">,
  operations: ReadonlyMap<string, Operation>,
): boolean {
  const operation = operations.get(id);
  if (operation === undefined) return true;
  const inPath: Fields = path === "" ? {} : { path };
  return namings[reached.type as ThingType](reached.id).some(
    (fields) => takes(operation, { ...fields, ...inPath }) && leadsTo(operation, reached, fields),
  );
}

function takes({ input }: Operation, fields: Fields): boolean {
  const properties: Readonly<Record<string, TSchema>> = input.properties;
  return Object.entries(fields).every(([name, value]) => {
    const schema = properties[name];
    return schema === undefined || checkerOf(schema).check(value);
  });
}

/** An address is read before it is ruled: it has to come out as the host that the call speaks of. */
function leadsTo(operation: Operation, { type, id }: Witness["reached"], { url }: Fields): boolean {
  if (type !== "Host" || url === undefined || !("url" in operation.input.properties)) return true;
  return samplesOf(operation, [url]).some(({ scope }) => scope.host === id);
}
