#!/bin/sh
echo 2
echo 3
