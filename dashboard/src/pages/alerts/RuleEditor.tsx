// A rule, to be read or written, beside what it would have done. Used by the page Rules.
import { Button } from "@mantine/core";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import { useMe } from "../../data/me";
import type { Rule } from "../../data/alerting";
import css from "./alerts.module.css";
import { ConfirmButton } from "./ConfirmButton";
import { change, useChange } from "./queries";
import { ruleOf, wrongIn, wrongWithoutName, type RuleDraft } from "./rule-draft";
import { RuleFields } from "./RuleFields";
import { RulePreview } from "./RulePreview";
import own from "./rules.module.css";
import { Unsaved } from "./Unsaved";

interface Props {
  readonly start: RuleDraft;
  /** The one that is there; null: a new one. */
  readonly rule: Rule | null;
  readonly taken: ReadonlySet<string>;
  readonly close: () => void;
  readonly saved: (name: string) => void;
  readonly copy: (name: string) => void;
}

const ORIGIN: Readonly<Record<Rule["origin"], string>> = {
  shipped: "comes with Sentinel",
  changed: "comes with Sentinel, changed here",
  own: "written here",
};

export function RuleEditor({ start, rule, taken, close, saved, copy }: Props): ReactNode {
  const may = useMe().can("operate");
  const [draft, setDraft] = useState(start);
  const [base, setBase] = useState(start);
  const [tried, setTried] = useState(false);
  const put = useChange((one: RuleDraft) => change.putRule(one.name, ruleOf(one)), "alert-rules", "alerts");
  const remove = useChange((name: string) => change.removeRule(name), "alert-rules", "alerts");
  const wrong = wrongIn(draft, taken);
  const isWrong = Object.keys(wrong).length > 0;
  const isTriable = Object.keys(wrongWithoutName(draft)).length === 0;
  const isChanged = !same(draft, base);
  // Somebody else wrote it, or its switch in the list was turned: what nobody edits here is shown as it is now.
  const isOvertaken = !same(start, base);
  const take = (): void => {
    setBase(start);
    setDraft(start);
  };
  if (isOvertaken && (!isChanged || same(draft, start))) take();

  // Sent, or saved and not listed yet.
  const isWritten = put.error === null && put.variables !== undefined && same(put.variables, draft);

  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    // Opened from far down the list, it would be out of sight.
    if ((place.current?.getBoundingClientRect().top ?? 0) < 0) place.current?.scrollIntoView();
  }, []);

  const submit = (): void => {
    setTried(true);
    if (!isWrong) put.mutate(draft, { onSuccess: () => saved(draft.name) });
  };

  return (
    <section ref={place} className={`${css.panel ?? ""} ${own.open ?? ""}`} aria-label={rule === null ? "New rule" : `Rule ${rule.name}`}>
      {may && isChanged && !isWritten && (
        <Unsaved what={rule === null ? "the new rule" : `the rule ${rule.name}`}>What was typed is lost.</Unsaved>
      )}
      <div className={own.editor}>
        <form
          className={css.stack}
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <div className={css.head}>
            <h2>{rule === null ? "New rule" : rule.name}</h2>
            {rule !== null && <span className={css.dim}>{ORIGIN[rule.origin]}</span>}
          </div>
          <fieldset disabled={!may} className={own.fields}>
            <RuleFields draft={draft} set={(part) => setDraft({ ...draft, ...part })} wrong={tried ? wrong : shownBeforeTried(wrong, draft)} isNew={rule === null} />
          </fieldset>
          {isOvertaken && isChanged && (
            <p className={css.warn} role="status">
              It was changed elsewhere meanwhile; saving replaces that.{" "}
              <Button variant="default" size="compact-sm" onClick={take}>
                Show it as it is now
              </Button>
            </p>
          )}
          {put.error !== null && <Refusal error={put.error} />}
          {remove.error !== null && <Refusal error={remove.error} />}
          {may ? (
            <div className={css.actions}>
              <Button type="submit" loading={put.isPending} disabled={rule !== null && !isChanged}>
                {rule === null ? "Create the rule" : "Save"}
              </Button>
              <Button variant="default" onClick={close}>
                {isChanged ? "Cancel" : "Close"}
              </Button>
              {rule !== null && (
                <Button variant="default" onClick={() => copy(rule.name)}>
                  Copy
                </Button>
              )}
              {rule !== null && rule.origin !== "shipped" && (
                <ConfirmButton
                  label={rule.origin === "changed" ? "As it was shipped…" : "Delete…"}
                  title={rule.origin === "changed" ? `Make ${rule.name} as it was shipped?` : `Delete the rule ${rule.name}?`}
                  yes={rule.origin === "changed" ? "As it was shipped" : "Delete the rule"}
                  busy={remove.isPending}
                  small={false}
                  // Once it is gone from the list, so is this editor: and with it what `mutate` would call.
                  act={() => void remove.mutateAsync(rule.name).then(close, () => undefined)}
                >
                  {rule.origin === "changed"
                    ? "What was changed here is lost; alerts go by the shipped rule from the next look on."
                    : `Its alerts end${rule.standing > 0 ? `, ${rule.standing} of them standing now` : ""}. It cannot be taken back.`}
                </ConfirmButton>
              )}
            </div>
          ) : (
            <p className={css.dim}>Operators may change rules.</p>
          )}
        </form>
        {may && <RulePreview rule={isTriable ? ruleOf(draft) : null} />}
      </div>
    </section>
  );
}

function same(one: RuleDraft, other: RuleDraft): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Before anybody tried to save, a field that is empty yet is not called wrong. */
function shownBeforeTried(wrong: ReturnType<typeof wrongIn>, draft: RuleDraft): ReturnType<typeof wrongIn> {
  return Object.fromEntries(Object.entries(wrong).filter(([field]) => draft[field as keyof RuleDraft] !== ""));
}
