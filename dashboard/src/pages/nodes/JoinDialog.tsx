// How a machine joins: a command to run on it, and whether it has come. Used by the page of nodes. The command holds
// a secret, so it is made when it is asked for, and shown this once.
import { Button, Modal } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Copyable } from "../../components/Copyable";
import { Refusal } from "../../components/Refusal";
import { Time } from "../../components/Time";
import { ask } from "../../data/ask";
import type { Node } from "../../data/node";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { newcomers } from "./newcomers";
import classes from "./JoinDialog.module.css";

interface Props {
  /** Undefined: not known yet. */
  readonly nodes: readonly Node[] | undefined;
  readonly onClose: () => void;
}

export function JoinDialog({ nodes, onClose }: Props) {
  const [before, setBefore] = useState<ReadonlySet<string> | null>(null);
  const making = useMutation({
    mutationFn: () => ask("post", "/api/v1/nodes/join-command", {}),
    onSuccess: () => setBefore(nodes === undefined ? null : new Set(nodes.map((node) => node.id))),
  });
  const made = making.data;
  const came = newcomers(before, nodes ?? []);
  return (
    <Modal opened onClose={onClose} title="Join a machine" size="lg" centered classNames={{ content: classes.sheet ?? "" }}>
      <ol className={classes.steps}>
        <li>
          <h3>Install Sentinel on it</h3>
          <p>The same version as here, as the guide to installing says. It needs the NVIDIA driver, and nothing else.</p>
        </li>
        <li>
          <h3>Run this there, as root</h3>
          {made === undefined ? (
            <>
              <p>The command holds a secret that lets machines join for a day. It is shown this once.</p>
              <Button onClick={() => making.mutate()} loading={making.isPending}>
                Make the command
              </Button>
              {making.error !== null && <Refusal error={making.error} />}
            </>
          ) : (
            <>
              <Copyable text={made.command} />
              <p className={classes.quiet}>
                Good for any number of machines
                {made.expires_at !== null && (
                  <>
                    {" until "}
                    <Time at={made.expires_at} exact />
                  </>
                )}
                . Should it get into wrong hands, revoke token <code>{made.token_id}</code> in the settings.
              </p>
            </>
          )}
        </li>
        <li>
          <h3>It appears here by itself</h3>
          <p role="status">
            {made === undefined
              ? "Within seconds, with its GPUs; jobs may start on it at once."
              : came.length === 0
                ? "Waiting for it. If it does not come: does it reach the address in the command?"
                : "Joined: "}
            {made !== undefined &&
              came.map((name, nth) => (
                <span key={name}>
                  {nth > 0 && ", "}
                  <Link to={paths.node(name)}>{name}</Link>
                </span>
              ))}
          </p>
        </li>
      </ol>
    </Modal>
  );
}
