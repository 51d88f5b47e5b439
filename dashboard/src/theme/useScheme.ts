// Light, dark, or as the system has it. Used by the top bar, the command palette, and whatever draws on a canvas.
import { useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import type { Scheme } from "./palette";

export type Choice = "auto" | Scheme;

/** What is drawn now. */
export function useScheme(): Scheme {
  return useComputedColorScheme("light", { getInitialValueInEffect: false });
}

/** What was chosen, kept in this browser. Without `keepTransitions` Mantine would write a <style>. */
export function useSchemeChoice(): readonly [Choice, (choice: Choice) => void] {
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return [colorScheme, setColorScheme];
}

export const NEXT_CHOICE: Readonly<Record<Choice, Choice>> = { auto: "light", light: "dark", dark: "auto" };
