/** The page after the platform's own, in a window that the widget has opened. */
window.close();
