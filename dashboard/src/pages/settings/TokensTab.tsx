// The tokens of whoever looks, and everybody's for an admin. Used by page settings.
import { Button, SegmentedControl, Switch } from "@mantine/core";
import { useMemo, useState } from "react";
import { Confirm } from "../../components/Confirm";
import { EmptyState } from "../../components/EmptyState";
import { Icon } from "../../components/Icon";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { StatusMark } from "../../components/StatusBadge";
import { type Column, DataTable } from "../../components/table/DataTable";
import { Time } from "../../components/Time";
import { useMe } from "../../data/me";
import type { Token } from "../../data/person";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { MakeToken } from "./MakeToken";
import { useRevokeToken, useTokens } from "./people-store";
import css from "./settings.module.css";
import { KINDS, opens, STATES, stateOf } from "./tokens";

const FIELDS = {
  whose: oneOf(["mine", "all"] as const, "mine"),
  old: oneOf(["hidden", "shown"] as const, "hidden"),
};

export function TokensTab() {
  const me = useMe();
  const [view, setView] = useUrlState(FIELDS);
  const everybody = view.whose === "all" && me.can("administer");
  const found = useTokens(everybody);
  const revoke = useRevokeToken();
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token | null>(null);
  const now = found.dataUpdatedAt;
  const rows = useMemo(
    () => found.data?.filter((token) => view.old === "shown" || opens(token, now)),
    [found.data, view.old, now],
  );
  const columns = useMemo(() => columnsOf(now, me.tokenId, everybody, setEnding), [now, me.tokenId, everybody]);

  return (
    <Panel flush>
      {found.error !== null && <Refusal error={found.error} again={() => void found.refetch()} />}
      <DataTable
        name="tokens"
        what="tokens"
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        order="-made"
        filters={
          <div className={css.filters}>
            {me.can("administer") && (
              <SegmentedControl
                size="xs"
                aria-label="Whose"
                data={[
                  { value: "mine", label: "Mine" },
                  { value: "all", label: "Everybody's" },
                ]}
                value={view.whose}
                onChange={(whose) => setView({ whose: whose === "all" ? "all" : "mine" })}
              />
            )}
            <Switch
              size="xs"
              label="Ended ones, too"
              checked={view.old === "shown"}
              onChange={(event) => setView({ old: event.currentTarget.checked ? "shown" : "hidden" })}
            />
            <Button size="xs" leftSection={<Icon name="plus" />} onClick={() => setMaking(true)}>
              New token
            </Button>
          </div>
        }
        empty={null}
      />
      {rows?.length === 0 && (
        <EmptyState icon="user" title="No token opens anything now">
          A token lets the command line, scripts and notebooks in as you, without a password. Make one with “New token”.
        </EmptyState>
      )}
      {making && <MakeToken onClose={() => setMaking(false)} />}
      {ending !== null && (
        <Confirm
          title={`Revoke ${ending.label === "" ? `token ${ending.id}` : `“${ending.label}”`}?`}
          act="Revoke"
          danger
          busy={revoke.isPending}
          error={revoke.error}
          onClose={() => {
            setEnding(null);
            revoke.reset();
          }}
          onConfirm={() => revoke.mutate(ending.id, { onSuccess: () => setEnding(null) })}
        >
          Whatever uses it is refused from its next request on. That cannot be taken back: make another one then.
        </Confirm>
      )}
    </Panel>
  );
}

function columnsOf(
  now: number,
  own: string | null,
  everybody: boolean,
  onRevoke: (token: Token) => void,
): readonly Column<Token>[] {
  const owner: Column<Token> = { id: "owner", head: "Owner", value: (token) => token.owner, width: 120 };
  return [
    {
      id: "label",
      head: "Label",
      value: (token) => token.label,
      cell: (token) => (
        <>
          {token.label === "" ? <span className={css.quiet}>no label</span> : token.label}
          {token.id === own && <span className={css.quiet}> · this session</span>}
        </>
      ),
      width: "grow",
    },
    ...(everybody ? [owner] : []),
    {
      id: "state",
      head: "State",
      value: (token) => STATES[stateOf(token, now)].word,
      cell: (token) => {
        const state = STATES[stateOf(token, now)];
        return (
          <span className={css.state}>
            <StatusMark status={state} />
            {state.word}
          </span>
        );
      },
      width: 110,
    },
    { id: "kind", head: "Kind", value: (token) => KINDS[token.kind], width: 90 },
    {
      id: "made",
      head: "Made",
      value: (token) => Date.parse(token.created_at),
      cell: (token) => <Time at={Date.parse(token.created_at)} />,
      width: 110,
    },
    {
      id: "used",
      head: "Last used",
      hint: "Written now and then, not at every use",
      value: (token) => (token.last_used_at === null ? null : Date.parse(token.last_used_at)),
      cell: (token) =>
        token.last_used_at === null ? (
          <span className={css.quiet}>never seen</span>
        ) : (
          <Time at={Date.parse(token.last_used_at)} />
        ),
      width: 110,
    },
    {
      id: "ends",
      head: "Ends",
      value: (token) => (token.expires_at === null ? Infinity : Date.parse(token.expires_at)),
      cell: (token) => (token.expires_at === null ? "never" : <Time at={Date.parse(token.expires_at)} />),
      width: 110,
    },
    { id: "id", head: "Id", value: (token) => token.id, width: 120, off: true },
    {
      id: "act",
      head: "",
      value: () => "",
      cell: (token) =>
        opens(token, now) && (
          <Button size="compact-xs" variant="default" onClick={() => onRevoke(token)}>
            Revoke
          </Button>
        ),
      width: 96,
    },
  ];
}
