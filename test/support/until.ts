/** How long {@link until} waits, in ms: less than a test may take, so that the test fails by this error. */
const DEADLINE_MS = 15_000;

/**
 * Waits until a condition holds.
 *
 * @throws {Error} with the text of the condition, if it does not hold within 15 s
 */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > end) {
      throw new Error(`Waited ${DEADLINE_MS} ms in vain for ${condition}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
