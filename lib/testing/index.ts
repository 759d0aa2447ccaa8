export { PicaEmulator } from './pica-emulator.js';
export type { PicaEmulatorOptions } from './emulator.options.js';
export type { EmulatorConnection } from './connections/connection.js';
export type { EmulatorRequest } from './emulator-request.js';
export type { EmulatorFault, EmulatorFaultHandle } from './fault.js';
