import {
  createAction,
  matchAction,
  type ActionDetails,
  type EmulatorPlatformHandler,
  type PlatformAction,
} from './action.js';
import { BUILT_IN_ACTIONS } from './built-in-actions.js';

/** The platforms and their actions: the built-in ones and the test's own. */
export class Platforms {
  private actions = BUILT_IN_ACTIONS;

  /**
   * Adds an action. It replaces one of the same platform, method and path,
   * unless `details` has another system id.
   */
  add(
    platform: string,
    method: string,
    path: string,
    handle: EmulatorPlatformHandler,
    details?: ActionDetails,
  ): PlatformAction {
    const added = createAction(platform, method, path, handle, details);
    const others = this.actions.filter(
      ({ systemId }) => systemId !== added.systemId,
    );
    this.actions = [...others, added];
    return added;
  }

  of(platform: string): readonly PlatformAction[] {
    return this.actions.filter((action) => action.platform === platform);
  }

  find(systemId: string): PlatformAction | undefined {
    return this.actions.find((action) => action.systemId === systemId);
  }

  /** Removes the test's own actions. */
  reset(): void {
    this.actions = BUILT_IN_ACTIONS;
  }
}

/** The placeholders of a call, if the action is meant for its method and path. */
export function paramsOf(
  action: PlatformAction,
  method: string,
  path: string,
): Record<string, string> | undefined {
  return action.method === method ? matchAction(action.path, path) : undefined;
}
