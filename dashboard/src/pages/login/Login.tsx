// Signing in: by name and password, with a token, or with the code in the address that `sentinel dashboard` printed. Shown by
// App.tsx in place of every page while nobody is signed in; the address stays, and with it what was looked at.
import { Button, SegmentedControl } from "@mantine/core";
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { SecretField, TextField } from "../../components/form/fields";
import { Refusal } from "../../components/Refusal";
import { takeCode, useCodeWaits } from "../../data/login-code";
import { useSignIn } from "../../data/session";
import classes from "./Login.module.css";

export function Login() {
  const [way, setWay] = useState("password");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [token, setToken] = useState("");
  const form = useRef<HTMLFormElement>(null);
  const signIn = useSignIn();
  const { mutate } = signIn;

  const waits = useCodeWaits();
  useEffect(() => {
    const code = waits ? takeCode() : null;
    if (code !== null) mutate({ code });
  }, [waits, mutate]);
  const byCode = waits || (signIn.isPending && "code" in signIn.variables);
  useEffect(() => {
    if (!byCode) form.current?.querySelector<HTMLInputElement>("input[name=user], input[name=token]")?.focus();
  }, [byCode]);

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    mutate(way === "token" ? { token: token.trim() } : { user: user.trim(), password });
  };
  return (
    <main className={classes.whole}>
      <form ref={form} className={classes.form} onSubmit={submit} aria-busy={signIn.isPending}>
        <header>
          <h1>Sentinel</h1>
          <p className={classes.quiet}>{window.location.host}</p>
        </header>
        {byCode ? (
          <p role="status">Signing you in…</p>
        ) : (
          <>
            {signIn.error !== null && <Refusal error={signIn.error} />}
            <SegmentedControl
              fullWidth
              aria-label="How to sign in"
              data={[
                { value: "password", label: "Password" },
                { value: "token", label: "Token" },
              ]}
              value={way}
              onChange={(next) => {
                setWay(next);
                signIn.reset();
              }}
            />
            {way === "password" ? (
              <>
                <TextField field="user" label="User" value={user} onChange={setUser} complete="username" required />
                <SecretField field="password" label="Password" value={password} onChange={setPassword} complete="current-password" required />
              </>
            ) : (
              <SecretField
                field="token"
                label="Token"
                hint="As sentinel token create prints it; or SENTINEL_TOKEN in client.env."
                value={token}
                onChange={setToken}
                required
              />
            )}
            <Button type="submit" loading={signIn.isPending} fullWidth>
              Sign in
            </Button>
            <p className={classes.quiet}>
              In a terminal, <code>sentinel dashboard</code> prints an address that signs you in.
            </p>
          </>
        )}
      </form>
    </main>
  );
}
