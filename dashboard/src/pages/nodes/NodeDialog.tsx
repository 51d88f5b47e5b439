// Asks before something is done to a node, and says what came of it. Used by the table and the page of nodes.
import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Refusal } from "../../components/Refusal";
import type { Node } from "../../data/node";
import { DEEDS } from "./node-deeds";
import type { NodeAction } from "./node-state";
import classes from "./NodeDialog.module.css";

interface Props {
  readonly node: Node;
  readonly action: NodeAction;
  readonly onClose: () => void;
  readonly onDone?: (() => void) | undefined;
}

export function NodeDialog({ node, action, onClose, onDone }: Props) {
  const deed = DEEDS[action];
  const [why, setWhy] = useState("");
  const [name, setName] = useState("");
  const client = useQueryClient();
  const doing = useMutation({
    mutationFn: () => deed.act(node, why.trim()),
    onSuccess: async () => {
      onClose();
      onDone?.();
      await client.invalidateQueries({ queryKey: ["nodes"] });
    },
  });
  const ready = (deed.why !== "needed" || why.trim() !== "") && (!deed.final || name === node.name);
  return (
    <Modal opened onClose={onClose} title={deed.title(node)} centered classNames={{ content: classes.sheet ?? "" }}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !doing.isPending) doing.mutate();
        }}
      >
        <p>{deed.means(node)}</p>
        {deed.why !== "none" && (
          <TextInput
            label={deed.why === "needed" ? "How do you know?" : "Why?"}
            description={deed.why === "needed" ? "It is kept with the event" : "Others see it beside the node"}
            required={deed.why === "needed"}
            value={why}
            maxLength={500}
            data-autofocus
            onChange={(event) => setWhy(event.currentTarget.value)}
          />
        )}
        {deed.final && (
          <TextInput
            label={`Type ${node.name} to go on`}
            value={name}
            autoComplete="off"
            spellCheck={false}
            data-autofocus={deed.why === "none" ? true : undefined}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
        {doing.error !== null && <Refusal error={doing.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>
            Go back
          </Button>
          <Button type="submit" {...(deed.final && classes.final ? { className: classes.final } : {})} disabled={!ready} loading={doing.isPending}>
            {deed.word}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
