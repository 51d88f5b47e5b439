import { afterEach, describe, expect, it, vi } from "vitest";
import { takeCode, takenFrom, watchAddress } from "./login-code";

afterEach(() => {
  takeCode();
});

/** A window at that address. */
function bar(hash: string) {
  let changed = (): void => undefined;
  const location = { hash, pathname: "/jobs", search: "?state=RUNNING" };
  const replaceState = vi.fn((_state: unknown, _title: string, to?: string | URL | null) => {
    expect(to).toBe("/jobs?state=RUNNING");
    location.hash = "";
  });
  const addEventListener = (name: string, listener: unknown) => {
    expect(name).toBe("hashchange");
    changed = listener as () => void;
  };
  const history = { state: { kept: 1 }, replaceState };
  return { location, history, addEventListener: addEventListener as Window["addEventListener"], change: () => changed() };
}

describe("the code in the address", () => {
  it("leaves the address at once, and nothing else does", () => {
    const window = bar("#code=snc_x_1");
    expect(takenFrom(window)).toBe("snc_x_1");
    expect(window.history.replaceState).toHaveBeenCalledExactlyOnceWith({ kept: 1 }, "", "/jobs?state=RUNNING");
    expect(takenFrom(window)).toBeNull();
  });
  it.each(["", "#", "#top", "#xcode=1"])("is not in %j, which stays", (hash) => {
    const window = bar(hash);
    expect(takenFrom(window)).toBeNull();
    expect(window.history.replaceState).not.toHaveBeenCalled();
  });
  it("is given once", () => {
    watchAddress(bar("#code=snc_x_1"));
    expect(takeCode()).toBe("snc_x_1");
    expect(takeCode()).toBeNull();
  });
  it("is also found when it is pasted where the page is open", () => {
    const window = bar("");
    watchAddress(window);
    expect(takeCode()).toBeNull();
    window.location.hash = "#code=snc_y_2";
    window.change();
    expect(takeCode()).toBe("snc_y_2");
    expect(window.location.hash).toBe("");
  });
});
