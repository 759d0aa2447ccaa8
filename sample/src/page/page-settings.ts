import type { AuthKitModuleOptions } from 'nestjs-pica-authkit';

/** The settings of the page. */
export interface PageSettings {
  /** Name of the vendor's browser package. */
  package: string;
  /** URL of the widget. Default: the one in the vendor's package. */
  widgetUrl?: string;
  /** The only origin that the page may load in a frame. */
  widgetOrigin: string;
  /** Whether the sample runs an emulator, in which the page can break connections. */
  hasEmulator: boolean;
}

const WIDGETS = {
  pica: { package: '@picahq/authkit', origin: 'https://authkit.picaos.com' },
  one: { package: '@withone/auth', origin: 'https://auth.withone.ai' },
};

export function pageSettings(
  { vendor = 'pica' }: AuthKitModuleOptions,
  hasEmulator: boolean,
): PageSettings {
  const widget = WIDGETS[vendor];
  const widgetUrl = process.env.WIDGET_URL || undefined;
  return {
    package: widget.package,
    widgetUrl,
    widgetOrigin: widgetUrl ? new URL(widgetUrl).origin : widget.origin,
    hasEmulator,
  };
}
