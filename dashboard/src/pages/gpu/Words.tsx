// A sentence of the controller's: what is in `backticks` there is for a shell, and is shown so. Used by Findings.

export function Words({ text }: { readonly text: string }) {
  return text
    .split("`")
    .map((part, nth) => (nth % 2 === 1 ? <code key={`${nth} ${part}`}>{part}</code> : <span key={`${nth} ${part}`}>{part}</span>));
}
