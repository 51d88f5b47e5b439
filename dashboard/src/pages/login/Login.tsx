// Signing in, by name and password or with a token. Shown by App.tsx in place of every page while nobody is signed in.
import { Button, SegmentedControl } from "@mantine/core";
import { type SyntheticEvent, useState } from "react";
import { SecretField, TextField } from "../../components/form/fields";
import { Refusal } from "../../components/Refusal";
import { useSignIn } from "../../data/session";
import classes from "./Login.module.css";

export function Login() {
  const [way, setWay] = useState("password");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    signIn.mutate(way === "token" ? { token: token.trim() } : { user: user.trim(), password });
  };
  return (
    <main className={classes.whole}>
      <form className={classes.form} onSubmit={submit}>
        <h1>Sentinel</h1>
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
            hint="On the controller's machine: sentinel token create; or SENTINEL_TOKEN in its client.env."
            value={token}
            onChange={setToken}
            required
          />
        )}
        {signIn.error !== null && <Refusal error={signIn.error} />}
        <Button type="submit" loading={signIn.isPending} fullWidth>
          Sign in
        </Button>
      </form>
    </main>
  );
}
