// How Mantine is set up so that it writes no <style> into the page: its variables are in theme/mantine.css, and nothing
// that makes styles at run time (responsive style props, scroll locks) is used. Used by main.tsx.
import { createTheme, type MantineColorsTuple, Modal, Tooltip } from "@mantine/core";

// Mantine wants ten shades of a colour; what is drawn are the variables of theme/mantine.css.
const accent = Array.from({ length: 10 }, () => "var(--accent)") as unknown as MantineColorsTuple;

export const theme = createTheme({
  primaryColor: "accent",
  colors: { accent },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({ defaultProps: { lockScroll: false, transitionProps: { duration: 0 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, transitionProps: { duration: 0 } } }),
  },
});
