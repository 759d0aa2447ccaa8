import {
  Controller,
  HttpCode,
  HttpStatus,
  Inject,
  Param,
  Post,
  UseGuards,
} from '@nestjs/common';
import {
  AuthKitConnectionsService,
  AuthKitIdentityGuard,
  CurrentIdentity,
  type AuthKitIdentity,
} from 'nestjs-pica-authkit';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';
import { SessionGuard } from '../auth/session.guard.js';

/** Exists only with the emulator. */
@Controller('emulator')
@UseGuards(SessionGuard, AuthKitIdentityGuard)
export class EmulatorController {
  constructor(
    @Inject(PicaEmulator) private readonly emulator: PicaEmulator,
    @Inject(AuthKitConnectionsService)
    private readonly connections: AuthKitConnectionsService,
  ) {}

  /** Breaks a connection of the signed-in user, so that "Connect again" can be tried. */
  @Post('connections/:id/break')
  @HttpCode(HttpStatus.NO_CONTENT)
  async break(
    @CurrentIdentity() owner: AuthKitIdentity,
    @Param('id') id: string,
  ): Promise<void> {
    // Fails with 404 if the connection belongs to somebody else.
    const connection = await this.connections.get(owner, id);
    this.emulator.breakConnection(connection.id);
  }
}
