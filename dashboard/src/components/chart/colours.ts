// Which line of a chart has which colour. Used by Chart.tsx and plot.ts.
import { NAMES, OTHERS, type Scheme } from "../../theme/palette";

interface Coloured {
  readonly before?: boolean;
}

/** Those compared with are grey: beside their line of now, which has the colour. */
export function coloursOf(lines: readonly Coloured[], scheme: Scheme): readonly string[] {
  let nth = 0;
  return lines.map((line) => (line.before === true ? OTHERS[scheme] : (NAMES[scheme][nth++] ?? OTHERS[scheme])));
}
