// When a browser has painted a page first: `node paint.mjs LINK`, in milliseconds from the moment when it asked for the page. The link
// lets the browser in, and leads to the page.

import { start } from "../tests/html/browser.mjs";

const browser = await start();
const page = await browser.open();
// A browser that has just started is busy with itself: the first look does not count.
await page.send("Page.navigate", { url: process.argv[2] });
await page.until("performance.getEntriesByName('first-contentful-paint').length > 0");
await page.send("Page.navigate", { url: "about:blank" });
await page.until("location.href === 'about:blank'");
await page.send("Page.navigate", { url: process.argv[2] });
const paint = await page.until(
  "location.protocol === 'http:' && performance.getEntriesByName('first-contentful-paint')[0]?.startTime",
);
console.log(paint);
await browser.close();
