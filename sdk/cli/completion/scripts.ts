/**
 * Completion scripts for shells. Each finds out at which command the cursor is by going through the words
 * before it, and offers what that command takes: names that the running system has, if there is one; where a value or
 * an argument is free, the shell's own completion of file names.
 */
import type { Node, OptionWords } from "./tree.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, tree: readonly Node[]): string {
  return SCRIPTS[shell](tree, tree[0]?.path ?? "");
}

const SCRIPTS: Readonly<Record<Shell, (tree: readonly Node[], name: string) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** As a word in single quotes. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const fishQuoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** Patterns of a path with a word behind it, for a case that goes down the tree. */
const steps = (tree: readonly Node[]) =>
  tree.flatMap(({ path, commands }) => commands.map(({ word }) => `${path} ${word}`));
const withValues = (tree: readonly Node[]) =>
  tree.flatMap(({ path, options }) =>
    options.filter(({ takesValue }) => takesValue).map((option) => ({ path, option })),
  );
const flagsOf = (options: readonly OptionWords[]) => options.flatMap(({ flags }) => flags);

/** Lines of a case: words that have one pattern's, in one branch. */
function branches(
  cases: readonly (readonly [patterns: readonly string[], body: string])[],
): string {
  return cases
    .map(([patterns, body]) => `    ${patterns.map(quoted).join("|")}) ${body} ;;`)
    .join("\n");
}

function bashScript(tree: readonly Node[], name: string): string {
  const values = withValues(tree).map(({ path, option }): [string[], string] => [
    option.flags.map((flag) => `${path} ${flag}`),
    option.choices.length === 0
      ? "return"
      : `COMPREPLY=($(compgen -W ${quoted(option.choices.join(" "))} -- "$cur")); return`,
  ]);
  const words = tree.map(({ path, commands, options, choices, names }): [string[], string] => {
    const plain = [...commands.map(({ word }) => word), ...choices].join(" ");
    const list = names === null ? "" : ` names=${quoted(names)}`;
    return [[path], `plain=${quoted(plain)} flags=${quoted(flagsOf(options).join(" "))}${list}`];
  });
  return `# bash completion of ${name}: eval "$(${name} completion bash)"
_${name}() {
  local cur prev path=${quoted(name)} plain='' flags='' names='' word i
  cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$path $word" in
${branches([[steps(tree), 'path="$path $word"']])}
    esac
  done
  case "$path $prev" in
${branches(values)}
  esac
  case "$path" in
${branches(words)}
  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); return; fi
  if [[ $names ]]; then COMPREPLY=($(compgen -W "$(${name} $names 2>/dev/null)" -- "$cur"))
  else COMPREPLY=($(compgen -W "$plain" -- "$cur")); fi
}
complete -o bashdefault -o default -F _${name} ${name}
`;
}

/** zsh's \`_describe\` takes "word:what it does". */
const described = (word: string, about: string) =>
  quoted(`${word.replaceAll(":", "\\:")}:${about.replaceAll("\n", " ")}`);

function zshScript(tree: readonly Node[], name: string): string {
  const values = withValues(tree).map(({ path, option }): [string[], string] => [
    option.flags.map((flag) => `${path} ${flag}`),
    option.choices.length === 0
      ? "_files; return"
      : `compadd -- ${option.choices.map(quoted).join(" ")}; return`,
  ]);
  const words = tree.map(({ path, commands, options, choices, names }): [string[], string] => {
    const list = names === null ? "" : ` names=${quoted(names)}`;
    const plain = [
      ...commands.map(({ word, about }) => described(word, about)),
      ...choices.map((choice) => described(choice, "")),
    ];
    const flags = options.flatMap(({ flags: all, about }) =>
      all.map((flag) => described(flag, about)),
    );
    return [[path], `plain=(${plain.join(" ")}) flags=(${flags.join(" ")})${list}`];
  });
  return `#compdef ${name}
# zsh completion of ${name}: ${name} completion zsh > "\${fpath[1]}/_${name}"
_${name}() {
  local here=${quoted(name)} names='' word
  local -a plain flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$here $word" in
${branches([[steps(tree), 'here="$here $word"']])}
    esac
  done
  case "$here \${words[CURRENT-1]}" in
${branches(values)}
  esac
  case "$here" in
${branches(words)}
  esac
  if [[ $PREFIX == -* ]]; then _describe -o option flags
  elif (( $#plain )); then _describe command plain
  elif [[ -n $names ]]; then compadd -- \${(f)"$(${name} \${=names} 2>/dev/null)"} || _files
  else _files; fi
}
if [ "$funcstack[1]" = _${name} ]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function fishScript(tree: readonly Node[], name: string): string {
  const at = (path: string) => `-n ${fishQuoted(`test (__${name}_here) = ${fishQuoted(path)}`)}`;
  const lines = tree.flatMap(({ path, commands, options, choices, names }) => [
    ...(names === null
      ? []
      : [`complete -c ${name} ${at(path)} -a ${fishQuoted(`(${name} ${names} 2>/dev/null)`)}`]),
    ...commands.map(
      ({ word, about }) => `complete -c ${name} ${at(path)} -f -a ${word} -d ${fishQuoted(about)}`,
    ),
    ...choices.map((choice) => `complete -c ${name} ${at(path)} -f -a ${fishQuoted(choice)}`),
    ...options.map((option) => `complete -c ${name} ${at(path)} ${fishOption(option)}`),
  ]);
  return `# fish completion of ${name}: ${name} completion fish > ~/.config/fish/completions/${name}.fish
function __${name}_here
  set -l here ${fishQuoted(name)}
  for word in (commandline -opc)[2..-1]
    switch "$here $word"
      case ${steps(tree).map(fishQuoted).join(" ")}
        set here "$here $word"
    end
  end
  echo $here
end
${lines.join("\n")}
`;
}

function fishOption({ flags, about, takesValue, choices }: OptionWords): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const value =
    choices.length > 0 ? `-x -a ${fishQuoted(choices.join(" "))}` : takesValue ? "-r" : "";
  return [...names, value, `-d ${fishQuoted(about)}`].filter((part) => part !== "").join(" ");
}
