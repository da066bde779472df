/** Where the page starts: the token of the address becomes a session, then the form is drawn. */

import { render } from "preact";
import { useState } from "preact/hooks";
import { App, Header } from "./app.jsx";
import { service } from "./service.js";

const root = document.getElementById("root");

/** Take the token out of the address, so that it is in no history and no bookmark. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname);
  return token;
}

async function start(token) {
  // Where the exchange is refused, the session of an earlier one may still be valid.
  const refusal = token ? await service.exchange(token).then(() => null, (error) => error) : null;
  try {
    const [workflow, form] = await Promise.all([service.workflow(), service.form()]);
    render(<App workflow={workflow} form={form} />, root);
  } catch (error) {
    render(<SignIn error={error.status === 401 ? refusal : error} />, root);
  }
}

function SignIn({ error }) {
  const [token, setToken] = useState("");
  const submit = (event) => {
    event.preventDefault();
    start(token.trim());
  };
  return (
    <>
      <Header title="Workflow" description="This page needs the token that the command printed when the service started." />
      <main id="main" class="sign-in">
        {error && <p class="notice" role="alert">{error.text}</p>}
        <form onSubmit={submit}>
          <div class="field">
            <label for="token">Token</label>
            <input id="token" class="code" type="password" autoComplete="off" value={token} onInput={(event) => setToken(event.currentTarget.value)} />
            <p class="about">It is the part of the printed address after #token=. A token opens one session; restart the service for another.</p>
          </div>
          <button type="submit" class="primary">Open</button>
        </form>
      </main>
    </>
  );
}

start(takeToken());
