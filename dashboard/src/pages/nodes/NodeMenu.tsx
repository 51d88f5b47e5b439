// What may be done with a node, and the dialog that asks before. Used by the table and the page of nodes. What a role may
// not do, or what the node's state forbids, is not offered.
import { Button } from "@mantine/core";
import { useState } from "react";
import { useMe } from "../../data/me";
import type { Node } from "../../data/node";
import { DEEDS } from "./node-deeds";
import { actionsOf, type NodeAction } from "./node-state";
import { NodeDialog } from "./NodeDialog";
import classes from "./NodesPage.module.css";

interface Props {
  readonly node: Node;
  readonly onRemoved?: () => void;
}

export function NodeMenu({ node, onRemoved }: Props) {
  const { can } = useMe();
  const [asked, ask] = useState<NodeAction | null>(null);
  const actions = actionsOf(node, { operate: can("operate"), administer: can("administer") });
  return (
    <span className={classes.actions}>
      {actions.map((action) => (
        <Button
          key={action}
          size="compact-xs"
          variant="default"
          aria-label={`${DEEDS[action].word} ${node.name}`}
          onClick={(event) => {
            event.stopPropagation();
            ask(action);
          }}
        >
          {DEEDS[action].word}
        </Button>
      ))}
      {asked !== null && (
        <NodeDialog
          node={node}
          action={asked}
          onClose={() => ask(null)}
          {...(asked === "remove" && onRemoved ? { onDone: onRemoved } : {})}
        />
      )}
    </span>
  );
}
