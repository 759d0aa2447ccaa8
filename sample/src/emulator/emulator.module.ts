import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';
import { AuthModule } from '../auth/auth.module.js';
import { EmulatorController } from './emulator.controller.js';

@Module({})
export class EmulatorModule {
  /** Adds to the app what exists only with the emulator. */
  static addTo(app: Type, emulator: PicaEmulator): DynamicModule {
    return {
      module: EmulatorModule,
      imports: [app, AuthModule],
      controllers: [EmulatorController],
      providers: [{ provide: PicaEmulator, useValue: emulator }],
      exports: [PicaEmulator],
      // PageController tells the page whether there is an emulator.
      global: true,
    };
  }
}
