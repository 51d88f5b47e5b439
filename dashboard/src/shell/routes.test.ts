import { expect, it } from "vitest";
import { fileOf, FILES, ROUTES } from "./routes";

it("has a page for every address, and an address for every page", () => {
  const pages = new Set(ROUTES.filter((route) => route.page !== "fleet/FleetPage").map(fileOf));
  expect([...pages].sort()).toEqual(Object.keys(FILES).sort());
});
