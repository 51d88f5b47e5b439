// A new token, whose secret is shown once. Used by page settings.
import { Button, Modal } from "@mantine/core";
import { type SubmitEvent, useState } from "react";
import { Copyable } from "../../components/Copyable";
import { ChoiceField, TextField } from "../../components/form/fields";
import { useMe } from "../../data/me";
import { FormTrouble } from "./FormTrouble";
import { useMakeToken, useUsers } from "./people-store";
import css from "./settings.module.css";
import { livesFor, tokenBody } from "./tokens";

export function MakeToken({ onClose }: { onClose: () => void }) {
  const make = useMakeToken();
  const made = make.data;
  return (
    <Modal
      opened
      onClose={onClose}
      title={made === undefined ? "New token" : "Your new token"}
      // The secret is never shown again: not to be lost by a click beside it.
      closeOnClickOutside={made === undefined}
      closeOnEscape={made === undefined}
      withCloseButton={made === undefined}
    >
      {made === undefined ? (
        <Asked make={make} onClose={onClose} />
      ) : (
        <Secret secret={made.token} kind={made.kind} onClose={onClose} />
      )}
    </Modal>
  );
}

function Asked({ make, onClose }: { make: ReturnType<typeof useMakeToken>; onClose: () => void }) {
  const me = useMe();
  const rules = me.can("administer");
  const users = useUsers(rules);
  const [label, setLabel] = useState("");
  const [kind, setKind] = useState<"api" | "join">("api");
  const [life, setLife] = useState("90d");
  const [owner, setOwner] = useState(me.user);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    make.mutate(tokenBody({ label, kind, life, owner: owner === me.user ? "" : owner }));
  };
  return (
    <form className={css.form} onSubmit={submit}>
      <TextField
        field="label"
        label="Label"
        hint="Where it will be used: it helps to find it again."
        placeholder="notebook on my laptop"
        error={make.error}
        value={label}
        onChange={setLabel}
      />
      {rules && (
        <>
          <ChoiceField
            field="kind"
            label="Kind"
            error={make.error}
            choices={[
              { value: "api", label: "API: works as its owner" },
              { value: "join", label: "Join: lets machines become nodes, nothing else" },
            ]}
            value={kind}
            onChange={(chosen) => {
              setKind(chosen === "join" ? "join" : "api");
              setLife(chosen === "join" ? "1d" : "90d");
            }}
          />
          <ChoiceField
            field="owner"
            label="Owner"
            hint="It may what its owner's role may."
            error={make.error}
            choices={(users.data ?? [{ name: me.user }]).map(({ name }) => ({ value: name, label: name }))}
            value={owner}
            onChange={setOwner}
          />
        </>
      )}
      <ChoiceField
        field="expires_in"
        label="Good for"
        error={make.error}
        choices={livesFor(rules).map(({ value, label: word }) => ({ value, label: word }))}
        value={life}
        onChange={setLife}
      />
      <FormTrouble
        error={make.error}
        fields={rules ? ["label", "kind", "owner", "expires_in"] : ["label", "expires_in"]}
      />
      <div className={css.buttons}>
        <Button size="sm" variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button size="sm" type="submit" loading={make.isPending}>
          Make it
        </Button>
      </div>
    </form>
  );
}

function Secret({ secret, kind, onClose }: { secret: string; kind: string; onClose: () => void }) {
  return (
    <div className={css.form}>
      <p>
        <strong>Copy it now.</strong> It is shown this once; the controller keeps no copy of it.
      </p>
      <Copyable text={secret} what="the token" block />
      <p className={css.quiet}>
        {kind === "join" ? (
          <>
            On a machine with GPUs: <code>{`sentinel agent join ${window.location.origin} --token …`}</code>
          </>
        ) : (
          <>
            For the command line: <code>export SENTINEL_URL={window.location.origin}</code> and{" "}
            <code>SENTINEL_TOKEN=…</code>
          </>
        )}
      </p>
      <div className={css.buttons}>
        <Button size="sm" onClick={onClose}>
          I have it
        </Button>
      </div>
    </div>
  );
}
