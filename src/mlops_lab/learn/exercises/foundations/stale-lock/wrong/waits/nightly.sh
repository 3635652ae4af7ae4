#!/bin/bash
flock nightly.lock train
