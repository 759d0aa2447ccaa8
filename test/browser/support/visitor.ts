import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Cookie,
  FrameLocator,
  Locator,
  Page,
} from 'playwright-core';

/** A user with a browser window on the page of the sample. */
export class Visitor {
  /** Errors and warnings of the console, errors of scripts, and violations of policies. */
  readonly consoleErrors: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        this.consoleErrors.push(message.text());
      }
    });
    page.on('pageerror', (error) => this.consoleErrors.push(String(error)));
  }

  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<Visitor> {
    const context = await browser.newContext({
      viewport: { width: 1000, height: 760 },
      ...options,
    });
    context.setDefaultTimeout(15_000);
    const visitor = new Visitor(context, await context.newPage());
    await visitor.page.goto(url);
    // The page loads before its script has the settings.
    await visitor.page.locator('main:not([inert])').waitFor();
    return visitor;
  }

  async signIn(name: 'Ada' | 'Grace'): Promise<void> {
    await this.button(`Sign in as ${name}`).click();
    await this.page.getByText(`Signed in as ${name.toLowerCase()}`).waitFor();
  }

  async signOut(): Promise<void> {
    await this.button('Sign out').click();
    await this.button('Sign in as Ada').waitFor();
  }

  /** The cookie of the session, as the browser stores it. */
  async sessionCookie(): Promise<Cookie> {
    const cookies = await this.context.cookies();
    return cookies.find(({ name }) => name === 'sample_session')!;
  }

  /** Makes the page use this grant instead of the one that it requests. */
  async overrideGrant(grant: string): Promise<void> {
    await this.page.route('**/authkit-token/grant', async (route) => {
      const response = await route.fetch();
      const json = { ...(await response.json()) };
      json.headers = { Authorization: `Bearer ${grant}` };
      await route.fulfill({ response, json });
    });
  }

  connect(): Promise<void> {
    return this.button('Connect an integration').click();
  }

  async openWidget(): Promise<void> {
    await this.connect();
    // The vendor's package shows the frame, and listens to it, after the frame has loaded.
    await this.frame.waitFor({ state: 'visible' });
  }

  /** The frame that the vendor's package creates. */
  get frame(): Locator {
    return this.page.locator('iframe#event-link');
  }

  get widget(): FrameLocator {
    return this.page.frameLocator('iframe#event-link');
  }

  /** The names of the integrations in the list, once the widget shows the summary. */
  async integrations(summary: string): Promise<string[]> {
    await this.widget.getByText(summary, { exact: true }).waitFor();
    return this.widget.locator('.entry .name').allTextContents();
  }

  search(text: string): Promise<void> {
    return this.widget
      .getByRole('searchbox', { name: 'Search integrations' })
      .fill(text);
  }

  pick(title: string): Promise<void> {
    return this.widget.locator('.entry').filter({ hasText: title }).click();
  }

  /** Presses the last button of the widget with this name, once it exists. */
  press(name: string): Promise<void> {
    return this.widget
      .getByRole('button', { name, exact: true })
      .last()
      .click();
  }

  /** Waits for a screen of the widget by its title. */
  screen(title: string): Promise<void> {
    return this.widget.getByRole('heading', { name: title }).waitFor();
  }

  /** Goes to the page with the integrations of the user's company. */
  async openIntegrations(): Promise<void> {
    await this.page.goto(new URL('/integrations.html', this.page.url()).href);
    await this.tiles();
  }

  /** What each tile of the integrations page says: title, category, state and button. */
  async tiles(): Promise<string[][]> {
    await this.page.locator('main:not([inert])').waitFor();
    await this.page.locator('#tiles:not([aria-busy=true])').waitFor({
      state: 'attached',
    });
    const tiles = await this.page.locator('.tile .text, .tile .footer');
    const texts = await tiles.allInnerTexts();
    return texts
      .map((text) => text.split(/\n+/))
      .flatMap((lines, index, all) =>
        index % 2 === 0 ? [[...lines, ...all[index + 1]!]] : [],
      );
  }

  /** The tile of an integration, once it says something. */
  async tile(title: string, text: string): Promise<void> {
    await this.page
      .locator('.tile')
      .filter({ has: this.page.getByText(title, { exact: true }) })
      .getByText(text, { exact: true })
      .first()
      .waitFor();
  }

  /** Waits until the widget has closed. */
  closed(): Promise<void> {
    return this.frame.waitFor({ state: 'detached' });
  }

  /** The connections that the page lists, once it has fetched them. */
  async connections(): Promise<string[]> {
    await this.page.locator('#connections[aria-busy=false]').waitFor({
      state: 'attached',
    });
    return this.linesOf('#connections');
  }

  /** What the page says below the name of each connection, without the date. */
  async details(): Promise<string[]> {
    await this.connections();
    const texts = await this.page.locator('.details').allInnerTexts();
    return texts.map((text) => text.replace(/since .*/s, 'since …'));
  }

  /** Presses a button of a connection: Rename, Disconnect, Connect again, Break. */
  act(label: string, name: string): Promise<void> {
    return this.button(`${label}: ${name}`).click();
  }

  /** Whether a connection has a button. */
  offers(label: string, name: string): Promise<boolean> {
    return this.button(`${label}: ${name}`).isVisible();
  }

  /** The dialog that the page itself has opened. */
  get question(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Answers the question of the page. */
  answer(label: string): Promise<void> {
    return this.question
      .getByRole('button', { name: label, exact: true })
      .click();
  }

  /** Enters another name where the page asks for it. */
  rename(name: string): Promise<void> {
    return this.question.getByRole('textbox', { name: 'Name' }).fill(name);
  }

  /** Waits for what the page says of a success. */
  status(text: string): Promise<void> {
    return this.page.getByRole('status').getByText(text).waitFor();
  }

  /** Connects an integration, from the click on Connect to the closed widget. */
  async connectTo(title: string): Promise<void> {
    await this.openWidget();
    await this.pick(title);
    await this.agreeTo(title);
  }

  /** Allows access on the widget's screen, and closes the widget. */
  async agreeTo(title: string): Promise<void> {
    await this.screen(`Sample Inc. asks for access to ${title}`);
    await this.press('Allow');
    await this.finish(title);
  }

  /** Allows access in the window that One's widget opens, and closes the widget. */
  async agreeInPopupTo(title: string): Promise<void> {
    const opened = this.page.waitForEvent('popup');
    await this.press(`Continue to ${title}`);
    await (await opened).getByRole('button', { name: 'Allow' }).click();
    await this.finish(title);
  }

  private async finish(title: string): Promise<void> {
    await this.screen(`${title} is connected`);
    await this.press('Done');
    await this.closed();
  }

  /** Has a frame of its own on the page send it a message, as if it were the widget. */
  async forge(frameUrl: string, message: unknown): Promise<void> {
    await this.page.evaluate(
      `new Promise((resolve) => {
        const frame = document.createElement('iframe');
        frame.name = 'forger';
        frame.onload = resolve;
        frame.src = ${JSON.stringify(frameUrl)};
        document.body.append(frame);
      })`,
    );
    const success = { messageType: 'LINK_SUCCESS', message };
    await this.page
      .frame('forger')!
      .evaluate(`parent.postMessage(${JSON.stringify(success)}, '*')`);
    await this.page.evaluate(
      `document.querySelector('[name=forger]').remove()`,
    );
  }

  /**
   * The callbacks that the vendor's package has called: onSuccess, onError,
   * onClose. The widget shows its next screen before the page has its message.
   *
   * @param count how many calls to wait for
   */
  async events(count: number): Promise<string[]> {
    await this.page
      .locator('#events li')
      .nth(count - 1)
      .waitFor();
    return this.linesOf('#events');
  }

  /** The error that the page shows, once it does. */
  async error(): Promise<string | null> {
    const error = this.page.locator('#error');
    await error.waitFor();
    return error.textContent();
  }

  close(): Promise<void> {
    return this.context.close();
  }

  private button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }

  private async linesOf(list: string): Promise<string[]> {
    const items = await this.page.locator(`${list} li`).allInnerTexts();
    return items.map((text) => text.split('\n')[0]!.trim());
  }
}
