// Loaded before the conformance suite, which has no option for headers: each request to ORIGIN gets the bearer TOKEN.
import { subscribe } from "node:diagnostics_channel";

const bearer = `Bearer ${process.env.TOKEN}`;

subscribe("undici:request:create", ({ request }) => {
  if (request.origin === process.env.ORIGIN) {
    request.addHeader("authorization", bearer);
  }
});
subscribe("http.client.request.created", ({ request }) => {
  if (`http://${request.getHeader("host")}` === process.env.ORIGIN) {
    request.setHeader("authorization", bearer);
  }
});
