// Matchers as text; what cannot be read stays in the field, and is said. Used by the fields of routes and inhibitions.
import { TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import type { Matches } from "../../data/alerting";
import { readMatches, writeMatches } from "./matching";

interface Props {
  readonly label: string;
  readonly description: string;
  readonly value: Matches;
  readonly set: (matches: Matches) => void;
}

export function MatchesField({ label, description, value, set }: Props): ReactNode {
  const [text, setText] = useState(writeMatches(value));
  const { wrong } = readMatches(text);
  return (
    <TextInput
      label={label}
      description={description}
      value={text}
      error={wrong ?? undefined}
      onChange={(event) => {
        setText(event.currentTarget.value);
        const read = readMatches(event.currentTarget.value);
        if (read.wrong === null) set(read.matches);
      }}
    />
  );
}
