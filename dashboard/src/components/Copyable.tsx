// A text to be taken elsewhere: a command, a token, an id. Used by pages and dialogs.
import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import classes from "./Copyable.module.css";
import { Icon } from "./Icon";

interface Props {
  readonly text: string;
  /** What it is, for those who hear the page: "the token". */
  readonly what?: string;
  /** Then there is a button with these words, and the text is not shown. */
  readonly label?: string;
  /** Over the whole width, broken into lines. */
  readonly block?: boolean;
}

export function Copyable({ text, what = "this", label, block = false }: Props) {
  const [done, setDone] = useState<"" | "copied" | "failed">("");
  useEffect(() => {
    if (done === "") return;
    const timer = setTimeout(() => setDone(""), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  const words = { "": label ?? "Copy", copied: "Copied", failed: "Select it by hand" }[done];
  return (
    <span className={label === undefined ? classes.copyable : undefined} data-block={block || undefined}>
      {label === undefined && <code className={classes.text}>{text}</code>}
      <Button
        size="compact-xs"
        variant="default"
        className={classes.button ?? ""}
        leftSection={<Icon name={done === "copied" ? "check" : "copy"} />}
        aria-label={label ?? `Copy ${what}`}
        onClick={() => {
          navigator.clipboard.writeText(text).then(
            () => setDone("copied"),
            () => setDone("failed"),
          );
        }}
      >
        {words}
      </Button>
      <span className="only-read" role="status">
        {done}
      </span>
    </span>
  );
}
