// Asks before something that cannot be taken back, and says what will become of it. Used by pages.
//
//   {ending !== null && <Confirm title="Cancel job 12?" act="Cancel it" danger busy={…} error={…} onClose={…} onConfirm={…}>…}
import { Button, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./Confirm.module.css";
import { Refusal } from "./Refusal";

interface Props {
  readonly title: string;
  /** The word on the button that does it. */
  readonly act: string;
  readonly danger?: boolean;
  readonly busy?: boolean;
  readonly error?: unknown;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  /** What happens then. */
  readonly children?: ReactNode;
}

export function Confirm({ title, act, danger = false, busy = false, error = null, onConfirm, onClose, children }: Props) {
  return (
    <Modal opened onClose={onClose} title={title} centered>
      <div className={classes.body}>
        {children !== undefined && <div className={classes.what}>{children}</div>}
        {error !== null && error !== undefined && <Refusal error={error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose} data-autofocus>
            Go back
          </Button>
          <Button {...(danger ? { color: "red" } : {})} loading={busy} onClick={onConfirm}>
            {act}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
