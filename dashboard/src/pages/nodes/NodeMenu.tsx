// What may be done with a node, and the dialog that asks before. Used by the table and the page of nodes. What a role may
// not do, or what the node's state forbids, is not offered.
import { ActionIcon, Button } from "@mantine/core";
import { useState } from "react";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/menu/Menu";
import { useMe } from "../../data/me";
import type { Node } from "../../data/node";
import { DEEDS } from "./node-deeds";
import { actionsOf, type NodeAction } from "./node-state";
import { NodeDialog } from "./NodeDialog";
import classes from "./NodesPage.module.css";

interface Props {
  readonly node: Node;
  /** Behind one small button, as rows of a table want it; else each action has its own. */
  readonly compact?: boolean;
  readonly onRemoved?: () => void;
}

export function NodeMenu({ node, compact = false, onRemoved }: Props) {
  const { can } = useMe();
  const [asked, ask] = useState<NodeAction | null>(null);
  const actions = actionsOf(node, { operate: can("operate"), administer: can("administer") });
  if (actions.length === 0) return null;
  return (
    <span className={classes.actions}>
      {compact ? (
        <Menu>
          <Menu.Target>
            <ActionIcon variant="default" size={24} aria-label={`What to do with ${node.name}`}>
              <Icon name="more" />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {actions.map((action) => (
              <Menu.Item key={action} {...(DEEDS[action].final ? { color: "red" } : {})} onClick={() => ask(action)}>
                {DEEDS[action].word}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      ) : (
        actions.map((action) => (
          <Button key={action} size="compact-sm" variant="default" onClick={() => ask(action)}>
            {DEEDS[action].word}
          </Button>
        ))
      )}
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
