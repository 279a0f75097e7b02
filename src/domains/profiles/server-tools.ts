/** Tools of MCP servers that an agent's file names: looked up when a run begins, and kept with it. */
import type { Context } from "../../contract/operation.ts";
import { isProblem, Problem } from "../../contract/problem.ts";
import { NotFound } from "../../contract/standard-problems.ts";
import { Show as ShowTool, Tools as ListTools } from "../mcp/contract.ts";
import { InvalidProfile } from "./contract.ts";
import { serverToolPattern } from "./offered-tools.ts";
import type { Profile, ServerTool } from "./profile.ts";

/** Characters of what a server says of a tool, for a model. */
const aboutCharsMax = 2000;

export async function serverToolsOf(
  agent: string,
  { tools }: Profile,
  hub: Pick<Context, "call">,
): Promise<{ readonly serverTools?: ServerTool[] }> {
  const wanted = tools.flatMap((id) => {
    const [, server, tool] = serverToolPattern.exec(id) ?? [];
    return server === undefined || tool === undefined ? [] : [{ server, tool }];
  });
  if (wanted.length === 0) return {};
  const { tools: known } = await hub.call(ListTools, {});
  const serverTools: ServerTool[] = [];
  for (const { server, tool } of wanted) {
    const { definition } = await hub.call(ShowTool, { server, tool }).catch((error: unknown) => {
      if (!isProblem(error, NotFound)) throw error;
      const next = `\`arw mcp tools ${server}\` lists those that it offered`;
      throw new Problem(InvalidProfile, `${agent}: mcp:${server}/${tool} was offered by no server; ${next}`);
    });
    const isReading = known.some((each) => each.server === server && each.tool === tool && each.isAllowed);
    serverTools.push({ server, tool, isReading, ...saidIn(definition) });
  }
  return { serverTools };
}

const anything = { type: "object" };

/** What a server says of its tool is its own: whatever is not as expected is left out. */
function saidIn(definition: string): Pick<ServerTool, "about" | "input"> {
  const { description, inputSchema } = parsed(definition);
  return {
    about: typeof description === "string" ? description.slice(0, aboutCharsMax) : "",
    input: typeof inputSchema === "object" && inputSchema !== null ? inputSchema : anything,
  };
}

function parsed(definition: string): { readonly description?: unknown; readonly inputSchema?: unknown } {
  try {
    return JSON.parse(definition) as object;
  } catch {
    return {};
  }
}
