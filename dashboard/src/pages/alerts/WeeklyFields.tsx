// Hours that come again each week. Used by the form of a silence.
import { Checkbox, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { Weekly } from "../../data/alerting";
import css from "./alerts.module.css";
import { DAYS, sayDays, sayWeekly } from "./weekly";

interface Props {
  readonly weekly: Weekly;
  readonly set: (weekly: Weekly) => void;
  readonly wrong: string | null;
}

export function WeeklyFields({ weekly, set, wrong }: Props): ReactNode {
  const toggled = (day: string): Weekly => ({
    ...weekly,
    days: DAYS.filter((one) => (one === day) !== weekly.days.includes(one)),
  });
  return (
    <div className={css.stack} role="group" aria-label="Hours of the week">
      <div className={css.row}>
        {DAYS.map((day) => (
          <Checkbox key={day} label={sayDays([day])} checked={weekly.days.includes(day)} onChange={() => set(toggled(day))} />
        ))}
      </div>
      <div className={css.pair}>
        <TextInput label="From" value={weekly.begin} onChange={(event) => set({ ...weekly, begin: event.currentTarget.value })} />
        <TextInput
          label="To"
          description="Not after “From”: on the next day"
          value={weekly.end}
          onChange={(event) => set({ ...weekly, end: event.currentTarget.value })}
        />
        <TextInput label="Time zone" value={weekly.zone} onChange={(event) => set({ ...weekly, zone: event.currentTarget.value })} />
      </div>
      <p className={wrong === null ? css.calm : css.bad}>{wrong ?? sayWeekly(weekly)}</p>
    </div>
  );
}
