import { readFile } from 'node:fs/promises';
import {
  Controller,
  Get,
  Header,
  Inject,
  Optional,
  Req,
  Res,
} from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { authKitConfig } from 'nestjs-pica-authkit/config';
import { PicaEmulator } from 'nestjs-pica-authkit/testing';
import { pageSettings, type PageSettings } from './page-settings.js';

const PUBLIC = new URL('../../public/', import.meta.url);
const SCRIPTS = ['app', 'connect', 'integrations', 'shared'] as const;

/** Serves the pages and their files. A real app has its own way to serve them. */
@Controller()
export class PageController {
  private readonly settings: PageSettings;

  constructor(
    @Inject(authKitConfig.KEY) config: ConfigType<typeof authKitConfig>,
    @Optional() @Inject(PicaEmulator) emulator?: PicaEmulator,
  ) {
    this.settings = pageSettings(config, emulator !== undefined);
  }

  @Get(['', 'integrations.html'])
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(
    @Req() { url }: { url: string },
    @Res({ passthrough: true })
    response: {
      header(name: string, value: string): unknown;
    },
  ): Promise<string> {
    response.header('Content-Security-Policy', this.contentSecurityPolicy());
    const isIntegrations = url.startsWith('/integrations.html');
    return read(isIntegrations ? 'integrations.html' : 'index.html');
  }

  @Get('style.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  style(): Promise<string> {
    return read('style.css');
  }

  @Get(SCRIPTS.map((name) => `${name}.js`))
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  script(@Req() { url }: { url: string }): Promise<string> {
    const script = SCRIPTS.find((name) => url.startsWith(`/${name}.js`));
    return read(`${script}.js`);
  }

  /** Serves the vendor's package from npm. With a bundler, import it by name instead. */
  @Get('authkit.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  widgetPackage(): Promise<string> {
    const main = import.meta.resolve(this.settings.package);
    return readFile(new URL('index.esm.js', main), 'utf8');
  }

  @Get('settings')
  pageSettings(): PageSettings {
    return this.settings;
  }

  /** Allows the pages' own files, and frames from the widget's origin. */
  private contentSecurityPolicy(): string {
    return [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      'img-src data:',
      "connect-src 'self'",
      `frame-src ${this.settings.widgetOrigin}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; ');
  }
}

function read(name: string): Promise<string> {
  return readFile(new URL(name, PUBLIC), 'utf8');
}
