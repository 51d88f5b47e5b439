// A command line as people type it, to words and back: the submit form takes one, the job page shows one. Pure.
export type Split = { words: string[] } | { wrong: string };

/**
 * Words as a POSIX shell would see them, quotes and backslashes included; nothing is expanded, and what only a
 * shell could do (`|`, `>`, `$X`, `*`) is an error that says how to have it done.
 */
export function splitWords(text: string): Split {
  const words: string[] = [];
  let word = "";
  let begun = false; // an empty word in quotes is one, too
  let quote: '"' | "'" | null = null;
  for (let at = 0; at < text.length; at++) {
    const c = text.charAt(at);
    if (quote === "'") {
      if (c === "'") quote = null;
      else word += c;
    } else if (quote === '"') {
      if (c === '"') quote = null;
      else if (c === "\\" && '"\\$`\n'.includes(text.charAt(at + 1)) && at + 1 < text.length) {
        const next = text.charAt(++at);
        if (next !== "\n") word += next;
      } else if (c === "$" || c === "`") return { wrong: needsShell(c) };
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      begun = true;
    } else if (c === "\\") {
      if (at + 1 >= text.length) return { wrong: "It ends with a backslash: remove it." };
      const next = text.charAt(++at);
      if (next !== "\n") word += next;
    } else if (/\s/.test(c)) {
      if (begun || word !== "") words.push(word);
      word = "";
      begun = false;
    } else if ("|&;<>()$`*?".includes(c)) {
      return { wrong: needsShell(c) };
    } else word += c;
  }
  if (quote !== null) return { wrong: `A ${quote} is opened and not closed.` };
  if (begun || word !== "") words.push(word);
  return { words };
}

function needsShell(c: string): string {
  return `${c} means something to a shell only. Quote it ('…'), or have a shell run the line: bash -c '…'.`;
}

/** The words as one line that `splitWords` takes apart again. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
