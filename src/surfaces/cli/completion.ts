/** Shell completions, written from the command tree. */

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** One place in the tree: the words typed so far, and what may come next. */
export interface CompletionNode {
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

/** Words come from our own table; still nothing but plain words reaches a script that a shell will run. */
const plainWord = /^[A-Za-z0-9][A-Za-z0-9_.-]*$|^--[a-z][a-z0-9-]*$/u;

export function completionScript(shell: Shell, nodes: readonly CompletionNode[]): string {
  const safe = nodes
    .filter((node) => node.path.split(" ").every((word) => word === "" || plainWord.test(word)))
    .map(({ path, words }) => ({ path, words: words.filter(({ word }) => plainWord.test(word)) }));
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](safe);
}

const wordsCase = (nodes: readonly CompletionNode[]): readonly string[] =>
  nodes.map((node) => `    "${node.path}") echo "${node.words.map(({ word }) => word).join(" ")}" ;;`);

/** Words behind the last known command are positionals; the path is cut until it is one. */
function bashScript(nodes: readonly CompletionNode[]): string {
  return [
    "# arw completion for bash: source <(arw completion bash)",
    "_arw_words() {",
    '  case "$1" in',
    ...wordsCase(nodes),
    "    *) return 1 ;;",
    "  esac",
    "}",
    "_arw() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" at="" word words',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    '    [[ $word == -* ]] || at="${at:+$at }$word"',
    "  done",
    '  until words=$(_arw_words "$at"); do',
    '    [[ $at == *" "* ]] && at="${at% *}" || at=""',
    "  done",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    "complete -o default -F _arw arw",
    "",
  ].join("\n");
}

function zshScript(nodes: readonly CompletionNode[]): string {
  return [
    "#compdef arw",
    '# arw completion for zsh: arw completion zsh > "${fpath[1]}/_arw"',
    "_arw_words() {",
    '  case "$1" in',
    ...wordsCase(nodes),
    "    *) return 1 ;;",
    "  esac",
    "}",
    "_arw() {",
    '  local at="" word found',
    '  for word in "${(@)words[2,CURRENT-1]}"; do',
    '    [[ $word == -* ]] || at="${at:+$at }$word"',
    "  done",
    '  until found=$(_arw_words "$at"); do',
    '    [[ $at == *" "* ]] && at="${at% *}" || at=""',
    "  done",
    "  compadd -- ${(s: :)found}",
    "  _files",
    "}",
    'if [ "$funcstack[1]" = "_arw" ]; then _arw "$@"; else compdef _arw arw; fi',
    "",
  ].join("\n");
}

function fishScript(nodes: readonly CompletionNode[]): string {
  const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = nodes.flatMap((node) =>
    node.words.map(({ word, about }) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c arw -n '__arw_at "${node.path}"' ${what} -d ${quote(about)}`;
    }),
  );
  return [
    "# arw completion for fish: arw completion fish | source",
    "function __arw_at",
    "  set -l typed (commandline -opc)",
    "  set -l at (string match -v -- '-*' $typed[2..-1])",
    '  test "$at" = "$argv[1]"',
    "end",
    ...lines,
    "",
  ].join("\n");
}
