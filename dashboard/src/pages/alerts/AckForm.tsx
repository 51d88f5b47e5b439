// Saying that an alert has been seen, and why nothing else has to be done. Used by the page of one alert.
import { Button, Modal, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import type { Alert } from "../../data/alerting";
import css from "./alerts.module.css";
import { change, useChange } from "./queries";

export function AckForm({ alert, close }: { alert: Alert; close: () => void }): ReactNode {
  const [why, setWhy] = useState("");
  const ack = useChange((text: string) => change.ack(alert.fingerprint, text), "alerts");
  return (
    <Modal opened onClose={close} title="I have seen it">
      <form
        className={css.stack}
        onSubmit={(event) => {
          event.preventDefault();
          ack.mutate(why.trim(), { onSuccess: close });
        }}
      >
        <p>
          <strong>{alert.summary}</strong>
        </p>
        <p className={css.dim}>It still stands and is shown; there are no reminders until it ends, changes or becomes worse.</p>
        <TextInput
          label="What is being done about it"
          description="Optional; everybody who looks at the alert reads it"
          maxLength={200}
          data-autofocus
          value={why}
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        {ack.error !== null && <Refusal error={ack.error} />}
        <div className={css.actions}>
          <Button type="submit" loading={ack.isPending}>
            I have seen it
          </Button>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
        </div>
      </form>
    </Modal>
  );
}
