// Who is signed in decides what is shown: the pages, or the form to sign in. Used by main.tsx.
import { Refusal } from "../components/Refusal";
import { MeContext } from "../data/me";
import { useWhoami } from "../data/session";
import { Login } from "../pages/login/Login";
import { Shell } from "./Shell";

export function App() {
  const { me, error, again } = useWhoami();
  if (me === null) return <Login />;
  if (me !== undefined) {
    return (
      <MeContext value={me}>
        <Shell />
      </MeContext>
    );
  }
  return error === null ? null : <Refusal error={error} again={again} />;
}
