import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Cookie,
  FrameLocator,
  Locator,
  Page,
} from 'playwright-core';

/** Somebody with a browser window on the sample's page. */
export class Visitor {
  /** What a developer would see in red: errors of the console, of scripts, and violations of the policies. */
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        this.complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
  }

  static async arrive(
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
    // The page is loaded before its script knows what to show.
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

  /** The cookie with the session, as the browser keeps it. */
  async sessionCookie(): Promise<Cookie> {
    const cookies = await this.context.cookies();
    return cookies.find(({ name }) => name === 'sample_session')!;
  }

  /** As if a page that has been open for a while still had this grant. */
  async keepGrant(grant: string): Promise<void> {
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
    // The vendor's package shows the frame, and listens to it, a moment after it has loaded.
    await this.frame.waitFor({ state: 'visible' });
  }

  /** The frame that the vendor's package makes. */
  get frame(): Locator {
    return this.page.locator('iframe#event-link');
  }

  get widget(): FrameLocator {
    return this.page.frameLocator('iframe#event-link');
  }

  /** The texts of the integrations on show, once there are as many as said. */
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

  /** Presses a button of the widget, once it is there: of the screen, where the frame has one of that name too. */
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

  /** Waits until the frame is gone. */
  gone(): Promise<void> {
    return this.frame.waitFor({ state: 'detached' });
  }

  /** What the page lists as the user's, once it has asked for it. */
  async connections(): Promise<string[]> {
    await this.page.locator('#connections[aria-busy=false]').waitFor({
      state: 'attached',
    });
    return this.linesOf('#connections');
  }

  /**
   * What the package has called: onSuccess, onError, onClose. The widget shows
   * its next screen before the page has its message.
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

  leave(): Promise<void> {
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
