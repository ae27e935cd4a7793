#pragma once

/** A rectangle in pixels of the canvas. */
typedef struct {
    int x, y, width, height;
} VideoRect;
