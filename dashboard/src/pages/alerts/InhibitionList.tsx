// What keeps what quiet: shipped inhibitions, and the site's own. Used by the page Routes.
import { Button, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { Inhibition } from "../../data/alerting";
import css from "./alerts.module.css";
import { MatchesShown } from "./Labels";
import own from "./list.module.css";
import { MatchesField } from "./MatchesField";
import { LabelsField } from "./RouteFields";
import { replaced, without, wrongInhibition } from "./routing";

const NEW: Inhibition = { name: "", source: {}, target: {}, equal: ["node"] };

interface Props {
  readonly own: readonly Inhibition[];
  readonly shipped: readonly Inhibition[];
  readonly may: boolean;
  readonly open: string | null;
  readonly setOpen: (key: string | null) => void;
  readonly set: (own: readonly Inhibition[]) => void;
}

export function InhibitionList({ own: mine, shipped, may, open, setOpen, set }: Props): ReactNode {
  const replacedNames = new Set(mine.map((one) => one.name));
  const add = (one: Inhibition): void => {
    set([...mine, one]);
    setOpen(`inhibition ${mine.length}`);
  };
  return (
    <section className={css.stack} aria-labelledby="inhibitions">
      <div className={css.head}>
        <h2 id="inhibitions">What keeps what quiet</h2>
        {may && (
          <Button variant="default" onClick={() => add(NEW)}>
            New inhibition
          </Button>
        )}
      </div>
      <p className={css.dim}>While the one fires, nobody is told of the others, which are only its consequence. They are still shown.</p>
      <ul className={own.list}>
        {mine.map((one, place) => {
          const key = `inhibition ${place}`;
          const wrong = wrongInhibition(one, place, mine);
          return (
            <li key={key} className={own.item}>
              <div className={own.main}>
                <Says one={one} from="own" />
                {wrong !== null && <p className={css.bad}>{wrong}</p>}
                {open === key && <InhibitionFields one={one} set={(next) => set(replaced(mine, place, next))} />}
              </div>
              {may && (
                <div className={css.actions}>
                  <Button variant="default" size="compact-sm" aria-expanded={open === key} onClick={() => setOpen(open === key ? null : key)}>
                    {open === key ? "Close" : "Change"}
                  </Button>
                  <Button
                    variant="default"
                    size="compact-sm"
                    onClick={() => {
                      set(without(mine, place));
                      setOpen(null);
                    }}
                  >
                    Remove
                  </Button>
                </div>
              )}
            </li>
          );
        })}
        {shipped.map((one) => (
          <li key={`shipped ${one.name}`} className={own.item} data-over={replacedNames.has(one.name) || undefined}>
            <div className={own.main}>
              <Says one={one} from={replacedNames.has(one.name) ? "shipped; the own one of its name holds instead" : "shipped"} />
            </div>
            {may && !replacedNames.has(one.name) && (
              <Button variant="default" size="compact-sm" onClick={() => add(one)}>
                Change
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Says({ one, from }: { one: Inhibition; from: string }): ReactNode {
  return (
    <>
      <div className={css.row}>
        <span className={own.name}>{one.name === "" ? "(no name yet)" : one.name}</span>
        <span className={css.dim}>{from}</span>
      </div>
      <p className={css.small}>
        <MatchesShown of={one.source} none="…" /> keeps <MatchesShown of={one.target} none="…" /> quiet
        {one.equal.length > 0 && <span className={css.dim}> on the same {one.equal.join(", ")}</span>}
      </p>
    </>
  );
}

function InhibitionFields({ one, set }: { one: Inhibition; set: (one: Inhibition) => void }): ReactNode {
  return (
    <div className={css.stack}>
      <TextInput label="Name" value={one.name} onChange={(event) => set({ ...one, name: event.currentTarget.value.trim() })} />
      <MatchesField label="While this fires" description="rule=rack-power" value={one.source} set={(source) => set({ ...one, source })} />
      <MatchesField
        label="these are not told"
        description="rule=node-silent rule=gpu-broken"
        value={one.target}
        set={(target) => set({ ...one, target })}
      />
      <LabelsField
        label="where these labels are the same"
        description="node, rack; empty: everywhere"
        value={one.equal}
        set={(equal) => set({ ...one, equal })}
      />
    </div>
  );
}
