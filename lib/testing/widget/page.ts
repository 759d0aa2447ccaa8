import type { AuthKitVendor } from '../../authkit.types.js';

/** The frame's document. All that it shows is made by the scripts, from text: nothing has to be escaped here. */
export function page(vendor: AuthKitVendor): string {
  return `<!doctype html>
<html lang="en" data-vendor="${vendor}">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Connect an integration (emulator)</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/widget/widget.css" />
    <script type="module" src="/widget/main.js"></script>
  </head>
  <body>
    <noscript>The emulated widget needs JavaScript.</noscript>
  </body>
</html>
`;
}
