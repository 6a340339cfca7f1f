// The page's entry: takes the token out of the address, draws the shell, connects.
import { render } from "preact";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/chat.css";
import "./styles/views.css";
import { App } from "./app";
import { startChat } from "./chat/store";
import { startGateway, takeFromAddress } from "./lib/state";

const { token, session } = takeFromAddress();
startChat(session);
render(<App />, document.getElementById("app")!);
void startGateway(token);
