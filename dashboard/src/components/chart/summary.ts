// What a line comes to, and which of its moments a table shows. Pure; used by Legend.tsx and Values.tsx.

export interface Summary {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

/** Of what is known; null: nothing is. */
export function summaryOf(values: readonly (number | null)[]): Summary | null {
  let [least, most, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const value of values) {
    if (value === null) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
    count += 1;
  }
  return count === 0 ? null : { least, mean: sum / count, most };
}

/** `most` of `count` places, evenly apart, the last among them: newest first, as tables of the past are read. */
export function picked(count: number, most: number): readonly number[] {
  const step = Math.max(1, Math.ceil(count / most));
  const places: number[] = [];
  for (let at = count - 1; at >= 0; at -= step) places.push(at);
  return places;
}
