/** Builds the command tree from the plans. Parsing and help are commander's; what a command does comes in as `run`. */
import { strict as assert } from "node:assert";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { type CompletionNode, type Shell, shells } from "./completion.ts";
import { type CommandPlan, expected, type Field, readValue } from "./plan.ts";
import type { Globals, Input, OwnCommand, Presentation } from "./port.ts";

export interface Chosen {
  readonly plan: CommandPlan;
  readonly input: Input;
  readonly globals: Globals;
  readonly isDetached: boolean;
  readonly isYes: boolean;
}

export interface ProgramOptions {
  readonly plans: readonly CommandPlan[];
  readonly version: string;
  readonly columns: number;
  readonly hasColor: boolean;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly overview: () => string;
  run(chosen: Chosen): Promise<void>;
  complete(shell: Shell): void;
  startHub(flags: readonly string[]): Promise<void>;
  readonly own: readonly OwnCommand[];
  readonly aliases: NonNullable<Presentation["aliases"]>;
  runOwn(command: OwnCommand, given: Parameters<OwnCommand["run"]>[0]): Promise<void>;
}

export function createProgram(options: ProgramOptions): Command {
  const program = new Command("arw");
  program
    .version(options.version)
    .exitOverride()
    .configureOutput({
      writeOut: options.write,
      writeErr: options.writeError,
      getOutHelpWidth: () => options.columns,
      getErrHelpWidth: () => options.columns,
      getOutHasColors: () => options.hasColor,
      getErrHasColors: () => options.hasColor,
    })
    // Options belong to the command they stand behind: `episodes` and `episodes show` both have a `--limit`.
    .enablePositionalOptions()
    .showHelpAfterError("`arw help` lists the commands; `arw help <command>` tells what one takes.");
  program.helpInformation = options.overview;
  addGlobals(program);
  for (const plan of options.plans) addCommand(program, plan, options);
  addHub(program, options);
  for (const own of options.own) addOwn(program, own, options);
  for (const alias of options.aliases) tellAlias(program, alias);
  program
    .command("completion")
    .description("Print completions for a shell, to be sourced by it.")
    .addArgument(new Argument("<shell>", "the shell").choices(shells))
    .action((shell: Shell) => options.complete(shell));
  return program;
}

/** A flag that means another command is no option of this one, and is found where its options are. */
function tellAlias(program: Command, { word, flag, means }: ProgramOptions["aliases"][number]): void {
  const at = (words: readonly string[]): Command => words.reduce((parent, name) => childOf(parent, name), program);
  const about = at(means).description();
  at(word.split(" ")).addHelpText("after", `\nWith ${flag}, as \`arw ${means.join(" ")}\`:\n  ${about}`);
}

const globalOptions: readonly (readonly [flags: string, description: string])[] = [
  ["--json", "print JSON as the hub answers it; streams as one JSON value per line"],
  ["--url <address>", "address of the hub"],
  ["--port <number>", "port of the hub on this machine"],
  ["--token <token>", "token to sign in with; ARW_ADMIN_TOKEN keeps it out of the list of processes"],
  ["--state-dir <folder>", "state directory to find the hub and its token in"],
  ["--portable", "look for the state beside the program"],
  ["--config <file>", "configuration file"],
  ["--local", "open the state in this process instead of calling a hub that runs"],
];

/** Every command takes them, before and behind its words. */
function addGlobals(command: Command): void {
  for (const [flags, description] of globalOptions) {
    command.addOption(new Option(flags, description).helpGroup("Options of every command:"));
  }
}

function addHub(program: Command, options: ProgramOptions): void {
  const start = childOf(childOf(program, "hub").description("Run the hub."), "start");
  start
    .description("Start the hub in this terminal; takes the same flags as `arw` alone.")
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument("[flags...]", "flags of the hub")
    .action((flags: readonly string[]) => options.startHub(flags));
}

function addOwn(program: Command, own: OwnCommand, options: ProgramOptions): void {
  let command = program;
  for (const word of own.words.split(" ")) command = childOf(command, word);
  command.description(own.about);
  if (own.argument !== undefined) command.argument(`<${own.argument.name}>`, own.argument.about);
  if (own.rest !== undefined) command.argument(`[${own.rest.name}...]`, own.rest.about);
  for (const [flag, about] of own.options) command.addOption(ownOption(flag, about));
  addGlobals(command);
  command.action(async () => {
    const rest = own.argument === undefined ? command.args : command.args.slice(1);
    const argument = own.argument === undefined ? "" : (command.args[0] ?? "");
    await options.runOwn(own, { argument, rest, flags: command.opts(), globals: command.optsWithGlobals() });
  });
}

function ownOption(flag: string, about: string): Option {
  const option = new Option(flag, about);
  if (!flag.includes("<")) return option;
  return option.argParser((text: string, before: unknown) => [
    ...(Array.isArray(before) ? (before as readonly string[]) : []),
    text,
  ]);
}

function addCommand(program: Command, plan: CommandPlan, options: ProgramOptions): void {
  let command = program;
  for (const word of plan.words) command = childOf(command, word);
  command.description(plan.operation.about);
  for (const { field, isOptional, isSpoken } of plan.positionals) {
    const name = field.isList || isSpoken ? `${field.name}...` : field.name;
    const argument = new Argument(isOptional ? `[${name}]` : `<${name}>`, field.description);
    if (field.choices) argument.choices(field.choices);
    const taken = isSpoken ? spoken : gathered;
    command.addArgument(argument.argParser((text: string, before: unknown) => taken(field, text, before)));
  }
  for (const { field, flag } of plan.options) for (const option of optionsOf(field, flag)) command.addOption(option);
  if (plan.isFollowed) {
    command.option("--detach", "do not follow: print the ids and return");
    command.option("--yes", "allow whatever this asks, without asking back");
  }
  addGlobals(command);
  command.action(async () => {
    const given: Readonly<Record<string, unknown>> = command.opts();
    const globals: Globals = command.optsWithGlobals();
    await options.run({
      plan,
      input: inputOf(plan, command),
      globals,
      isDetached: given["detach"] === true,
      isYes: given["yes"] === true,
    });
  });
}

function childOf(command: Command, word: string): Command {
  return command.commands.find((child) => child.name() === word) ?? command.command(word);
}

/** A boolean that is on unless told otherwise gets its `--no-` form, too. */
function optionsOf(field: Field, flag: string): readonly Option[] {
  const texts = [field.description, defaultText(field)];
  const description = texts.filter((text) => text !== undefined && text !== "").join(" ");
  if (field.kind === "boolean" && !field.isList) {
    const on = new Option(`--${flag}`, description);
    return field.defaultValue === true ? [on, new Option(`--no-${flag}`).default(undefined)] : [on];
  }
  const repeat = field.isList ? " (may be repeated)" : "";
  const option = new Option(`--${flag} <${placeholder(field)}>`, `${description}${repeat}`);
  if (field.choices) option.choices(field.choices);
  option.argParser((text: string, before: unknown) => gathered(field, text, before));
  return [option.makeOptionMandatory(field.isRequired)];
}

const placeholder = (field: Field): string =>
  ({ text: "text", integer: "number", number: "number", boolean: "true|false", json: "json" })[field.kind];

function defaultText(field: Field): string | undefined {
  return field.defaultValue === undefined || field.defaultValue === false
    ? undefined
    : `(default: ${JSON.stringify(field.defaultValue)})`;
}

/** One value, or one more of a list. */
function gathered(field: Field, text: string, before: unknown): unknown {
  const value = parsed(field, text);
  return field.isList ? [...(Array.isArray(before) ? (before as readonly unknown[]) : []), value] : value;
}

/** One word more of what is said. */
const spoken = (field: Field, text: string, before: unknown): unknown =>
  typeof before === "string" ? `${before} ${text}` : parsed(field, text);

function parsed(field: Field, text: string): unknown {
  const read = readValue(field, text);
  if (read === null) throw new InvalidArgumentError(`Expected ${expected(field)}.`);
  return read.value;
}

/** Only what the person gave: defaults are the hub's to fill in. */
function inputOf(plan: CommandPlan, command: Command): Input {
  const input: Record<string, unknown> = {};
  plan.positionals.forEach(({ field }, index) => {
    const value: unknown = command.processedArgs[index];
    if (value !== undefined) input[field.name] = value;
  });
  const given: Readonly<Record<string, unknown>> = command.opts();
  for (const { field, flag } of plan.options) {
    const value = given[flag.replaceAll(/-(.)/gu, (_dash, letter: string) => letter.toUpperCase())];
    if (value === undefined) continue;
    if (field.within === undefined) input[field.name] = value;
    else input[field.within] = { ...(input[field.within] as object | undefined), [field.name]: value };
  }
  return input;
}

/** The tree as completions see it. */
export function completionNodes(program: Command): readonly CompletionNode[] {
  const visit = (command: Command, path: string): readonly CompletionNode[] => {
    const children = command.commands.filter((child) => child.name() !== "help");
    const words = children.map((child) => ({ word: child.name(), about: child.description() }));
    const choices = command.registeredArguments
      .flatMap((argument) => argument.argChoices ?? [])
      .map((word) => ({ word, about: "" }));
    const own =
      command === program
        ? []
        : command.options.map((option) => ({ word: option.long ?? "", about: option.description }));
    const node = { path, words: [...words, ...choices, ...own] };
    return [node, ...children.flatMap((child) => visit(child, path === "" ? child.name() : `${path} ${child.name()}`))];
  };
  assert(program.commands.length > 0);
  return visit(program, "");
}
