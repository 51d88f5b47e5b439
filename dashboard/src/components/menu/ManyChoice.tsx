// Some of many, chosen by ticking: a button that says what is chosen, and the list beneath it. Used by page events.
import { useId } from "react";
import { Icon } from "../Icon";
import classes from "./Menu.module.css";
import { usePopup } from "./usePopup";

interface Props {
  /** What is chosen among, for those who hear the page: "Types of events". */
  readonly label: string;
  /** What the button says while nothing is chosen: "All types". */
  readonly all: string;
  readonly groups: readonly { readonly group: string; readonly items: readonly { readonly value: string; readonly label: string }[] }[];
  readonly value: readonly string[];
  readonly onChange: (value: string[]) => void;
}

export function ManyChoice({ label, all, groups, value, onChange }: Props) {
  const { open, target, panel, toggle, close } = usePopup();
  const id = useId();
  const choices = groups.flatMap(({ items }) => items);
  const names = choices.filter((one) => value.includes(one.value)).map((one) => one.label);
  const words = names.length === 0 ? all : names.length <= 2 ? names.join(", ") : `${names.length} of ${choices.length}`;
  return (
    <>
      <button ref={target} type="button" className={classes.trigger} aria-label={`${label}: ${words}`} aria-expanded={open} aria-controls={open ? id : undefined} onClick={toggle}>
        <span>{words}</span>
        <Icon name="down" />
      </button>
      {open && (
        <div
          id={id}
          ref={panel}
          popover="manual"
          role="group"
          aria-label={label}
          className={`${classes.panel ?? ""} ${classes.choices ?? ""} ${classes.long ?? ""}`}
          onBlur={({ currentTarget, relatedTarget }) => {
            if (relatedTarget instanceof Node && !currentTarget.contains(relatedTarget)) close();
          }}
        >
          {groups.map(({ group, items }) => (
            <div key={group} role="group" aria-label={group}>
              <p className={classes.label}>{group}</p>
              {items.map((one) => (
                <label key={one.value} className={classes.choice}>
                  <input
                    type="checkbox"
                    checked={value.includes(one.value)}
                    onChange={({ currentTarget }) => onChange(currentTarget.checked ? [...value, one.value] : value.filter((other) => other !== one.value))}
                  />
                  {one.label}
                </label>
              ))}
            </div>
          ))}
          {value.length > 0 && (
            <button type="button" className={classes.clear} onClick={() => onChange([])}>
              {all}
            </button>
          )}
        </div>
      )}
    </>
  );
}
