// Asks before a node is drained that was chosen in the command palette. Used by Shell.tsx.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Confirm } from "../components/Confirm";
import { TextField } from "../components/form/fields";
import { ask } from "../data/ask";
import { go } from "../routing/location";
import { paths } from "../routing/paths";

export function DrainDialog({ node, onClose }: { readonly node: string; readonly onClose: () => void }) {
  const [why, setWhy] = useState("");
  const client = useQueryClient();
  const drain = useMutation({
    mutationFn: () => ask("post", "/api/v1/nodes/{name}/drain", { path: { name: node }, body: { why: why.trim() } }),
    onSuccess: () => {
      void client.invalidateQueries();
      onClose();
      go(paths.node(node));
    },
  });
  return (
    <Confirm title={`Drain ${node}?`} act="Drain" busy={drain.isPending} error={drain.error} onClose={onClose} onConfirm={() => drain.mutate()}>
      <p>What runs there runs on; nothing new begins there until the node is resumed.</p>
      <TextField field="why" label="Why" hint="Shown to those who ask why nothing begins there." value={why} onChange={setWhy} error={drain.error} />
    </Confirm>
  );
}
