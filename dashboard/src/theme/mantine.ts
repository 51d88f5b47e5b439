// How Mantine is set up so that it writes no <style> into the page: its variables are in theme/mantine.css, and nothing
// that makes styles at run time (responsive style props, scroll locks) is used. Sizes and edges of its controls are in
// theme/controls.module.css. Used by main.tsx.
import { createTheme, defaultVariantColorsResolver, type MantineColorsTuple } from "@mantine/core";
import classes from "./controls.module.css";

// Mantine wants ten shades of a colour; what is drawn are the variables of theme/mantine.css.
const accent = Array.from({ length: 10 }, () => "var(--accent)") as unknown as MantineColorsTuple;
const of = (names: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(names).map(([part, name]) => [part, name ?? ""]));

export const theme = createTheme({
  primaryColor: "accent",
  colors: { accent },
  cursorType: "pointer",
  respectReducedMotion: true,
  // Mantine's text on filled ground is white in both schemes; on what is bright in the dark that cannot be read.
  variantColorResolver: (input) => {
    const found = defaultVariantColorsResolver(input);
    return input.variant === "filled" ? { ...found, color: "var(--on-accent)" } : found;
  },
  // Not by their own `extend`: that would load each of them with the first page.
  components: {
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: 32 } },
    Button: { classNames: of({ root: classes.button }) },
    Checkbox: { classNames: of({ root: classes.check }) },
    Input: { classNames: of({ wrapper: classes.input }) },
    InputWrapper: {
      classNames: of({ root: classes.field, label: classes.label, description: classes.description, error: classes.error }),
    },
    Modal: {
      defaultProps: {
        padding: 16,
        lockScroll: false,
        closeButtonProps: { "aria-label": "Close" },
        transitionProps: { duration: 0 },
        // Its <header> is not a second banner of the page.
        attributes: { header: { role: "presentation" } },
      },
      classNames: of({
        content: classes.dialog,
        header: classes.dialogHead,
        title: classes.dialogTitle,
        overlay: classes.overlay,
      }),
    },
    PasswordInput: { defaultProps: { visibilityToggleButtonProps: { "aria-label": "Show or hide what is typed" } } },
    SegmentedControl: {
      defaultProps: { transitionDuration: 0 },
      classNames: of({ root: classes.segments, label: classes.segment, indicator: classes.indicator }),
    },
    Switch: { classNames: of({ root: classes.switch, track: classes.track, thumb: classes.thumb }) },
  },
});
