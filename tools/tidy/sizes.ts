/** Files and functions stay small, and nobody has to count arguments. */
import { type Fault, faultAt, type Node, type Source, walk } from "./source.ts";

export const fileLinesMax = 500;
export const functionLinesMax = 70;
export const parametersMax = 3;

export function sizeFaults(source: Source): Fault[] {
  if (source.isGenerated) return [];
  const faults: Fault[] = [];
  if (source.lineCount > fileLinesMax) {
    faults.push(faultAt(source, 0, ["size", `${source.lineCount} lines; a file has at most ${fileLinesMax}`]));
  }
  walk(source.body, (node) => {
    if (!isFunction(node) || !node.body) return;
    const lines = source.lineAt(node.end) - source.lineAt(node.start) + 1;
    if (lines > functionLinesMax && !source.isTest) {
      faults.push(faultAt(source, node.start, ["size", `${lines} lines; a function has at most ${functionLinesMax}`]));
    }
    const count = node.params.filter((parameter) => !isThis(parameter)).length;
    if (count > parametersMax) {
      faults.push(
        faultAt(source, node.start, [
          "parameters",
          `${count} parameters; beyond ${parametersMax} take an options object`,
        ]),
      );
    }
  });
  return faults;
}

type FunctionNode = Extract<Node, { type: "FunctionDeclaration" | "FunctionExpression" | "ArrowFunctionExpression" }>;

const isFunction = (node: Node): node is FunctionNode =>
  node.type === "FunctionDeclaration" || node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";

const isThis = (node: Node): boolean => node.type === "Identifier" && node.name === "this";
