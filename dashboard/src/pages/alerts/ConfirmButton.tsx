// A button that asks before it does what cannot be taken back. Used by the pages of alerts.
import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Confirm } from "../../components/Confirm";

interface Props {
  readonly label: string;
  readonly title: string;
  /** The word on the button that does it. */
  readonly yes: string;
  readonly busy: boolean;
  /** As small as in a line of a list. */
  readonly small?: boolean;
  readonly act: () => void;
  /** What happens then. */
  readonly children: ReactNode;
}

export function ConfirmButton({ label, title, yes, busy, small = true, act, children }: Props): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" size={small ? "compact-sm" : "sm"} loading={busy} onClick={() => setOpen(true)}>
        {label}
      </Button>
      {open && (
        <Confirm
          title={title}
          act={yes}
          danger
          onClose={() => setOpen(false)}
          onConfirm={() => {
            setOpen(false);
            act();
          }}
        >
          {children}
        </Confirm>
      )}
    </>
  );
}
