export { PicaEmulator, type EmulatorAccount } from './pica-emulator.js';
export type {
  EmulatorAccountOptions,
  PicaEmulatorOptions,
} from './emulator-options.js';
export type {
  EmulatorConnection,
  EmulatorConnectionDetails,
  EmulatorOwner,
} from './connections.js';
export type { EmulatorRequest } from './emulator-request.js';
export type { EmulatorFault, EmulatorFaultHandle } from './faults.js';
export type {
  EmulatorAction,
  EmulatorPlatformHandler,
  EmulatorPlatformRequest,
  EmulatorPlatformResponse,
} from './platforms/action.js';
